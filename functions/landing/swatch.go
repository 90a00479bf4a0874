package landing

// swatch is one colour of the design page.
type swatch struct{ Token, Use string }

var palette = []swatch{
	{"bg", "the page"}, {"surface", "inputs"}, {"raised", "alerts, the footer"}, {"screen", "logs and snippets"},
	{"line", "hairlines"}, {"edge", "borders that carry meaning"}, {"text", "text"}, {"soft", "secondary text"},
	{"accent", "links, actions, what is up"}, {"warn", "on its way"}, {"bad", "errors, what is down"},
}
