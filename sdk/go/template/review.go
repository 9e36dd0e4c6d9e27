// Review policy: lets a plan add so many dollars per hour at once and holds what goes beyond, later steps first.
package main

import (
	"slices"
	"strconv"

	"plimsoll.io/sdk"
	"plimsoll.io/sdk/review"
)

const tooDear = 1

type policy struct {
	// What the steps of one plan may add together, dollars per hour.
	usdPerHour float64
	// Groups and Fargate profiles that do not count.
	except []string
}

func configure(json string) (review.Policy, error) {
	p := policy{usdPerHour: 10}
	return &p, sdk.Config(json, sdk.Fields{"usd_per_hour": &p.usdPerHour, "except": &p.except})
}

func (p *policy) Review(view *sdk.View, holds *review.Holds) error {
	sum := 0.0
	for step := range view.Steps() {
		// What nobody knows the price of is not what this policy is about.
		adds, known := step.Adds()
		switch {
		case !known || adds <= 0 || slices.Contains(p.except, step.Group()):
		case sum+adds > p.usdPerHour:
			holds.HoldBecause(step, tooDear, "adds "+usd(adds)+", "+usd(sum)+" of "+usd(p.usdPerHour)+" are taken")
		default:
			sum += adds
		}
	}
	return nil
}

func usd(amount float64) string { return strconv.FormatFloat(amount, 'f', 2, 64) }

func init() { review.Export(configure) }

func main() {}
