package bench

// limits says, by a target's work, what keeps it from being reached on an NVIDIA
// H100, and by which measurement that is known. The page of results shows it beside
// lines that are not reached.
var limits = map[string]string{}
