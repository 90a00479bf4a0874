package image

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"irc.now/longrunning/local/servers"
	"irc.now/longrunning/local/servers/debian"
)

// Release is the Debian release that images are made of where a program of a newer one is not needed.
const Release = "bookworm"

// Packages say which Debian packages an image is made of.
type Packages struct {
	Suites  []string // releases to try in turn; Release where empty
	Names   []string // with all that they depend on
	Version string   // of the image, with which its tag begins; the first package's where empty
	Without []string // names (path.Match) to leave out although something depends on them
	Drop    []string // paths (path.Match, without leading slash) to leave out
}

// scripted are packages that others depend on for scripts at installation, none of which are run.
var scripted = []string{
	"adduser", "debconf", "dpkg", "passwd", "perl*", "lib*-perl", "libperl*", "libgdbm*", "init-system-helpers", "lsb-base", "sysvinit-utils",
	"ucf", "usrmerge", "sensible-utils", "tar", "libpam-modules*", "libpam-runtime", "ssl-cert", "openssl*", "systemd*", "gcc-*-base", "gcc-*", "readline-common",
	"libsemanage*", "libsepol*", "libaudit-common", "libdebconfclient*", "iproute2", "libbpf*", "libelf*", "libxtables*", "libcap2-bin", "libmnl*", "libtirpc*", "libnsl2",
}

// documents are what nobody reads in an image.
var documents = []string{"usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian", "usr/share/bug", "usr/include", "usr/share/i18n"}

// Debian makes the image of programs out of Debian packages. Nothing of the packages' scripts is run; users and
// certificates come as in every other image.
func Debian(ctx context.Context, p Packages, o Options) (Image, error) {
	if err := o.fill(); err != nil {
		return Image{}, err
	}
	root, err := p.root(ctx, o)
	if err != nil {
		return Image{}, err
	}
	entries, err := treeEntries(root.Root, append(slices.Clone(documents), p.Drop...))
	if err != nil {
		return Image{}, fmt.Errorf("image %s: %w", o.Name, err)
	}
	below, err := newLayer(entries)
	if err != nil {
		return Image{}, err
	}
	base, err := foundation(ctx, o.Log)
	if err != nil {
		return Image{}, err
	}
	layers := []*layer{below, base}
	own, err := o.extra(nil)
	if err != nil {
		return Image{}, fmt.Errorf("image %s: %w", o.Name, err)
	}
	if len(own) > 0 {
		top, err := newLayer(own)
		if err != nil {
			return Image{}, err
		}
		layers = append(layers, top)
	}
	o.Env = environment("/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", o.Env)
	return o.write(ctx, cmp.Or(p.Version, root.Version), layers...)
}

// root tries the releases in turn.
func (p Packages) root(ctx context.Context, o Options) (debian.Package, error) {
	dir, err := servers.CacheDir()
	if err != nil {
		return debian.Package{}, err
	}
	suites := p.Suites
	if len(suites) == 0 {
		suites = []string{Release}
	}
	var failed []error
	for _, suite := range suites {
		root, err := debian.Root(ctx, debian.RootRequest{
			Dir: dir, Name: p.Names[0] + "-" + suite, Suite: suite, Packages: p.Names,
			Without: append(slices.Clone(scripted), p.Without...), Log: o.Log,
		})
		if err == nil {
			return root, nil
		}
		failed = append(failed, err)
	}
	return debian.Package{}, errors.Join(failed...)
}
