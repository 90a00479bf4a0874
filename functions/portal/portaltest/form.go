package portaltest

// Libera is the form for an upstream, filled in as it should be.
var Libera = []string{"name", "libera", "host", "irc.libera.chat", "port", "6697", "tls", "on", "nick", "ada", "realname", "Ada L.", "channels", "#irc.now, #linux"}

// But is [Libera] with some fields changed.
func But(pairs ...string) []string {
	form := append([]string{}, Libera...)
	for i := 0; i < len(pairs); i += 2 {
		at := -1
		for j := 0; j < len(form); j += 2 {
			if form[j] == pairs[i] {
				at = j
			}
		}
		if at < 0 {
			form = append(form, pairs[i], pairs[i+1])
			continue
		}
		form[at+1] = pairs[i+1]
	}
	return form
}
