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
