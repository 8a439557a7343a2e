{{/* element: what a kernel takes at a time of an array, one number or, with Vec, four. */}}
{{define "element"}}{{if .Vec}}vec4<f32>{{else}}f32{{end}}{{end}}
{{/* conv_type: one channel or several. */}}
{{define "conv_type"}}{{if eq .Each 1}}f32{{else}}vec{{.Each}}<f32>{{end}}{{end}}
