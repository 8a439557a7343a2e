package shaders

// ArgmaxParams are the sizes of one search for the largest element of rows:
//
//	ids[t] = the smallest i < Width with x[t*Stride+i] = max_j<Width x[t*Stride+j]
//
// NaN elements are never chosen; a row of nothing but NaN gives 0.
type ArgmaxParams struct {
	Rows   int
	Width  int // elements that take part
	Stride int // elements from one row to the next
}
