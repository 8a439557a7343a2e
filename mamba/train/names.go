package train

import "strings"

// isLog reports whether a parameter is the logarithm of the decays.
func isLog(name string) bool { return strings.HasSuffix(name, ".A_log") }

// isDtProj reports whether a parameter is the matrix of the step sizes.
func isDtProj(name string) bool { return strings.HasSuffix(name, ".dt_proj.weight") }
