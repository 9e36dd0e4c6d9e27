// Headroom policy: room for fewer pods at the weekend, and for a share of the latest peak where that is more.
//
// Days begin at midnight of a fixed offset from UTC; daylight saving is not known.
package main

import (
	"errors"

	"plimsoll.io/sdk"
	"plimsoll.io/sdk/headroom"
)

// Reason codes.
const (
	onWeekdays = 1
	onWeekends = 2
	afterPeak  = 3
)

const mostPods = 10000

type weekendHeadroom struct {
	// Local time minus UTC.
	utcOffsetMinutes int64
	// Request of a virtual pod.
	cpuMilli, memoryMiB uint32
	// How many virtual pods.
	weekdayPods, weekendPods uint32
	// Share of the most pods that waited in the last minutes, percent; 0: does not count.
	peakPercent, peakMinutes uint32
}

func configure(json string) (headroom.Policy, error) {
	p := weekendHeadroom{cpuMilli: 500, memoryMiB: 1024, weekdayPods: 10, weekendPods: 2, peakMinutes: 60}
	err := sdk.Config(json, sdk.Fields{
		"utc_offset_minutes": &p.utcOffsetMinutes,
		"cpu_milli":          &p.cpuMilli,
		"memory_mib":         &p.memoryMiB,
		"weekday_pods":       &p.weekdayPods,
		"weekend_pods":       &p.weekendPods,
		"peak_percent":       &p.peakPercent,
		"peak_minutes":       &p.peakMinutes,
	})
	switch {
	case err != nil:
		return nil, err
	case p.utcOffsetMinutes < -1440 || p.utcOffsetMinutes > 1440:
		return nil, errors.New("utc_offset_minutes must be between -1440 and 1440")
	case p.cpuMilli == 0 && p.memoryMiB == 0:
		return nil, errors.New("cpu_milli and memory_mib must not both be 0")
	case p.weekdayPods > mostPods:
		return nil, errors.New("weekday_pods must be at most 10000")
	case p.weekendPods > mostPods:
		return nil, errors.New("weekend_pods must be at most 10000")
	case p.peakPercent > 1000:
		return nil, errors.New("peak_percent must be at most 1000")
	case p.peakMinutes < 1 || p.peakMinutes > 1440:
		return nil, errors.New("peak_minutes must be between 1 and 1440")
	}
	return p, nil
}

func (p weekendHeadroom) Reserve(view *sdk.View, room *headroom.Room) error {
	pods, code := uint64(p.weekdayPods), uint16(onWeekdays)
	if p.weekend(view.NowMs()) {
		pods, code = uint64(p.weekendPods), onWeekends
	}
	if follow := (p.peak(view)*uint64(p.peakPercent) + 99) / 100; follow > pods {
		pods, code = follow, afterPeak
	}
	if pods > 0 {
		room.Keep(uint32(min(pods, mostPods)), p.cpuMilli, p.memoryMiB, code)
	}
	return nil
}

// weekend says whether it is Saturday or Sunday. Day 0 was a Thursday.
func (p weekendHeadroom) weekend(nowMs uint64) bool {
	const week = 7 * 1440
	minutes := int64(nowMs/60000) + p.utcOffsetMinutes
	// Never below zero: near the epoch the minutes may be, and Go's remainder with them.
	sinceMonday := ((minutes+3*1440)%week + week) % week
	return sinceMonday/1440 >= 5
}

// peak is how many pods waited at most in the last minutes.
func (p weekendHeadroom) peak(view *sdk.View) uint64 {
	var most uint32
	for ageMs, pending := range view.History() {
		if ageMs <= p.peakMinutes*60000 {
			most = max(most, pending)
		}
	}
	return uint64(most)
}

func init() { headroom.Export(configure) }

func main() {}
