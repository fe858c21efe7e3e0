package call

import (
	"encoding/base64"
	"slices"
	"strings"
)

// Page is a part of a list. rows are in the order of their keys, which are
// unique; token is empty for the first part, else what the part before gave as
// next. scope names the list: a token is good for the list it came from alone.
// next is empty with the last part, and ok is false for a token that is none.
//
// What is added or removed between two calls is in no part twice.
func Page[T any](rows []T, key func(T) string, scope, token string, size int) (part []T, next string, ok bool) {
	if token != "" {
		text, err := base64.RawURLEncoding.DecodeString(token)
		last, ours := strings.CutPrefix(string(text), scope+"\x00")
		if err != nil || !ours {
			return nil, "", false
		}
		start, found := slices.BinarySearchFunc(rows, last, func(row T, k string) int { return strings.Compare(key(row), k) })
		if found {
			start++
		}
		rows = rows[start:]
	}
	if len(rows) <= size {
		return rows, "", true
	}
	next = base64.RawURLEncoding.EncodeToString([]byte(scope + "\x00" + key(rows[size-1])))
	return rows[:size], next, true
}
