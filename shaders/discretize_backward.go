package shaders

// DiscretizeBackwardRows is the number of rows whose parts of A's gradient are
// summed before those of others are added.
const DiscretizeBackwardRows = 64
