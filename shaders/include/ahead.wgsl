{{/* read_ahead: the workgroups from number first on read weights of the next kernel,
64 KiB each, so that they come from a cache when that one runs. What they read has to
be of use to something, or no compiler would read it: it is compared with a number,
and what would be written then is what is there. */}}
{{define "read_ahead"}}
	if (place >= {{.First}}u) {
		let base = (place - {{.First}}u) * 4096u + t;
		var seen = vec4<u32>(0u);
		for (var i = 0u; i < 16u; i++) {
			seen |= ahead[min(base + i * 256u, {{sub .Ahead 1}}u)];
		}
		if (all(seen == vec4<u32>(1u))) {
			{{.Touch}}
		}
		return;
	}
{{- end}}
