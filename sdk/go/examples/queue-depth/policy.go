// Scaler policy: as many replicas as a queue is deep, down to none once it has been empty for a while.
//
// For workloads whose metric is the operator's own, so much of it for a replica. Since when a queue is empty is kept
// from cycle to cycle. Says nothing about workloads that are scaled by cpu or memory, and nothing without a fresh value.
package main

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"

	"plimsoll.io/sdk"
	"plimsoll.io/sdk/scaler"
)

// Reason codes.
const (
	deeper  = 1
	shallow = 2
	asItWas = 3
)

// No answer may want more replicas, no policy keep more bytes.
const (
	mostReplicas = 1000000
	mostKept     = 65536
)

type queueDepth struct {
	// Values older than this are not believed.
	maxAgeMs uint32
	// A queue that has been empty for so long needs no replica.
	idleMs uint64
	// Share of the replicas that may go in one cycle, percent; none of it counts for the last one.
	mostDownPercent uint64
}

func configure(json string) (scaler.Policy, error) {
	var maxAgeSeconds, idleSeconds, mostDownPercent uint32 = 120, 300, 50
	err := sdk.Config(json, sdk.Fields{
		"max_age_seconds":   &maxAgeSeconds,
		"idle_seconds":      &idleSeconds,
		"most_down_percent": &mostDownPercent,
	})
	switch {
	case err != nil:
		return nil, err
	case maxAgeSeconds > 86400:
		return nil, errors.New("max_age_seconds must be at most 86400")
	case idleSeconds > 86400:
		return nil, errors.New("idle_seconds must be at most 86400")
	case mostDownPercent > 100:
		return nil, errors.New("most_down_percent must be at most 100")
	}
	return queueDepth{maxAgeSeconds * 1000, uint64(idleSeconds) * 1000, uint64(mostDownPercent)}, nil
}

func (p queueDepth) Scale(view *sdk.View, replicas *scaler.Replicas) error {
	now := view.NowMs()
	before := emptySince(view.State())
	var state []byte
	for workload := range view.Workloads() {
		if metric := workload.Metric(); metric == "cpu" || metric == "memory" {
			continue
		}
		key := workload.Kind() + "/" + workload.Namespace() + "/" + workload.Name()
		value, known := workload.Value()
		if !known || workload.AgeMs() > p.maxAgeMs || workload.Target() <= 0 {
			// Nobody knows how deep it is: what was known stays.
			if since, there := before[key]; there {
				state = append(state, key+" "+since+"\n"...)
			}
			continue
		}
		var wanted uint32
		if value <= 0 {
			since := now
			if written, there := before[key]; there {
				since, _ = strconv.ParseUint(written, 10, 64)
			}
			state = append(append(state, key...), ' ')
			state = append(strconv.AppendUint(state, since, 10), '\n')
			if since > now || now-since < p.idleMs {
				wanted = 1
			}
		} else {
			wanted = uint32(max(1, min(math.Ceil(value/workload.Target()), mostReplicas)))
		}
		p.answer(workload, value, wanted, replicas)
	}
	sdk.Keep(whatFits(state))
	return nil
}

// whatFits is the first lines of a state, as many as may be kept. A queue that is not remembered is never idle for long.
func whatFits(state []byte) []byte {
	if len(state) <= mostKept {
		return state
	}
	return state[:bytes.LastIndexByte(state[:mostKept], '\n')+1]
}

// answer slows the way down and says why.
func (p queueDepth) answer(workload sdk.Workload, value float64, wanted uint32, replicas *scaler.Replicas) {
	now := workload.Replicas()
	if 0 < wanted && wanted < now {
		wanted = max(wanted, uint32((uint64(now)*(100-p.mostDownPercent)+99)/100))
	}
	code := uint16(asItWas)
	switch {
	case wanted > now:
		code = deeper
	case wanted < now:
		code = shallow
	}
	if code == asItWas {
		replicas.Set(workload, wanted, code)
		return
	}
	replicas.SetBecause(workload, wanted, code, why(workload.Name(), value, now, wanted))
}

func why(name string, value float64, now, wanted uint32) string {
	text := make([]byte, 0, len(name)+64)
	text = append(text, name...)
	text = append(text, ": "...)
	text = strconv.AppendUint(text, uint64(min(math.Floor(value), math.MaxUint32)), 10)
	text = append(text, " waiting, "...)
	text = strconv.AppendUint(text, uint64(now), 10)
	text = append(text, " to "...)
	text = strconv.AppendUint(text, uint64(wanted), 10)
	return string(text)
}

// emptySince is the state that was kept: of each workload whose queue is empty, since when, in ms since the epoch.
func emptySince(state []byte) map[string]string {
	since := map[string]string{}
	for line := range strings.Lines(string(state)) {
		line = strings.TrimSuffix(line, "\n")
		space := strings.LastIndexByte(line, ' ')
		if space < 0 {
			continue
		}
		if _, err := strconv.ParseUint(line[space+1:], 10, 64); err == nil {
			since[line[:space]] = line[space+1:]
		}
	}
	return since
}

func init() { scaler.Export(configure) }

func main() {}
