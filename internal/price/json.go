package price

import "encoding/json"

// MarshalJSON writes the amount in USD; null when it, or a part of it, is
// unknown.
func (c Cost) MarshalJSON() ([]byte, error) {
	if !c.Known() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(c.micro) / 1e6)
}

// partInJSON is a part of a bill. What is not known is null.
type partInJSON struct {
	Name      string   `json:"name"`
	HourlyUSD *float64 `json:"usd_per_hour"`
	Estimated bool     `json:"estimate"`
	Source    string   `json:"source,omitempty"`
	AsOf      string   `json:"as_of,omitempty"`
}

// MarshalJSON writes the bill by the hour, its parts with their sources, and
// what is in no sum. A sum with an unknown part is null.
func (b Bill) MarshalJSON() ([]byte, error) {
	out := struct {
		Running   *float64     `json:"running_usd_per_hour"`
		Stopped   *float64     `json:"stopped_usd_per_hour"`
		StoppedMo *float64     `json:"stopped_usd_per_month"`
		PaidAhead bool         `json:"compute_paid_in_advance,omitempty"`
		Parts     []partInJSON `json:"parts"`
		Unknown   []string     `json:"unknown"`
		Credits   *partInJSON  `json:"at_most_on_top,omitempty"`
	}{
		Running: b.Running().USD(), Stopped: b.Stopped().USD(), StoppedMo: b.Stopped().Over(Month).USD(), PaidAhead: b.PaidAhead,
		Parts: []partInJSON{}, Unknown: append([]string{}, b.Unknown()...),
	}
	for _, p := range b.Parts() {
		out.Parts = append(out.Parts, p.json())
	}
	if b.HasCredits() {
		credits := Part{"unlimited CPU credits", b.Credits}.json()
		out.Credits = &credits
	}
	return json.Marshal(out)
}

func (p Part) json() partInJSON {
	return partInJSON{Name: p.Name, HourlyUSD: p.Price.USD(), Estimated: p.Price.Estimated, Source: p.Price.Source, AsOf: p.Price.AsOf}
}
