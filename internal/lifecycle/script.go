package lifecycle

import (
	"strconv"
	"strings"
)

// ScriptFate is what became of the scripts in a user's user-data, in a word that
// fits the status tag: running, unrun or an exit code. The zero ScriptFate means
// that there are none, or that nobody said.
type ScriptFate string

// The fates that are no exit codes.
const (
	ScriptRuns  ScriptFate = "running"
	ScriptUnrun ScriptFate = "unrun" // it could not be started
)

// ScriptExit is the fate of a script that ended.
func ScriptExit(code int) ScriptFate { return ScriptFate(strconv.Itoa(code)) }

// And is the fate of several scripts: the first that is not a success.
func (f ScriptFate) And(next ScriptFate) ScriptFate {
	if f == "" || f == "0" {
		return next
	}
	return f
}

// Failed tells that the scripts ended and one of them with a failure.
func (f ScriptFate) Failed() bool { return f != "" && f != "0" && f != ScriptRuns }

// readScriptFate reads what an agent wrote. What it cannot read is nothing said.
func readScriptFate(s string) ScriptFate {
	if f := ScriptFate(s); f == ScriptRuns || f == ScriptUnrun || s != "" && len(s) <= 3 && strings.Trim(s, "0123456789") == "" {
		return f
	}
	return ""
}
