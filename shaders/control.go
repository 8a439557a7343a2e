package shaders

// The words of the buffer that steers an update of the parameters, of which the host
// writes the first three before each update and clip_scale the others.
const (
	ControlRate   = iota // learning rate
	ControlFirst         // 1 / (1 - Beta1^t) at update t = 1, 2, ...
	ControlSecond        // 1 / (1 - Beta2^t)
	ControlScale         // what gradients are multiplied by; 0: they are not finite
	ControlNorm          // the norm of all gradients before that

	ControlWords = 8
)
