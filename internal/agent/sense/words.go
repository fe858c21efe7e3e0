package sense

import (
	"math"
	"strconv"
	"strings"
	"unicode"
)

// short is a number as a reading shows it, never rounded up: what is below a
// limit must not read as the limit.
func short(x float64) string {
	if x >= 10 {
		return strconv.FormatFloat(math.Floor(x), 'f', -1, 64)
	}
	return strconv.FormatFloat(math.Floor(x*10+1e-9)/10, 'f', -1, 64)
}

// hundredths is a small number with two digits after the point, never rounded
// up.
func hundredths(x float64) string {
	return strconv.FormatFloat(math.Floor(x*100+1e-9)/100, 'f', -1, 64)
}

// counted is a number of things.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

// bytesWords is an amount of traffic; a kilobyte is 1000 bytes.
func bytesWords(n float64) string {
	switch {
	case n < 1000:
		return strconv.Itoa(int(n)) + " B"
	case n < 1e6:
		return short(n/1e3) + " KB"
	case n < 1e9:
		return short(n/1e6) + " MB"
	default:
		return short(n/1e9) + " GB"
	}
}

// printable is a foreign text as it is shown: one short line without control
// characters.
func printable(text string) string {
	const longest = 200
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)), " ")
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}
