package image

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	_ "embed"

	"irc.now/longrunning/local/servers"
	"irc.now/longrunning/local/servers/ergo"
)

// Set is what manifests call our images, and the images. A name is written as in the manifests, without a tag:
// ko://irc.now/functions/portal/cmd, irc.now/soju, dev.local/postgresql.
type Set map[string]Image

// Resolve finds the image that a manifest means; a tag there does not matter.
func (s Set) Resolve(reference string) (Image, bool) {
	if found, ok := s[reference]; ok {
		return found, true
	}
	stem := reference
	if colon := strings.LastIndexByte(reference, ':'); colon > strings.LastIndexByte(reference, '/') {
		stem = reference[:colon]
	}
	found, ok := s[stem]
	return found, ok
}

// Names of images that are no program of this module.
const (
	Soju       = "irc.now/soju"
	Ergo       = "irc.now/ergo"
	Chat       = "irc.now/chat"
	PostgreSQL = Registry + "/postgresql"
)

// recipe makes one of our images.
type recipe struct {
	name string
	make func(ctx context.Context, log *slog.Logger) (Image, error)
}

// Ours makes all our images and what we bring along, and tells for each which one it is. What is unchanged is not made
// again.
func Ours(ctx context.Context, log *slog.Logger) (Set, error) {
	recipes, err := programs()
	if err != nil {
		return nil, err
	}
	recipes = append(recipes, foreign()...)
	set := Set{}
	for _, r := range recipes {
		made, err := r.make(ctx, log)
		if err != nil {
			return nil, fmt.Errorf("make the image for %s: %w", r.name, err)
		}
		set[r.name] = made
	}
	return set, nil
}

// One makes only the image that manifests call by that name.
func One(ctx context.Context, name string, log *slog.Logger) (Image, error) {
	recipes, err := programs()
	if err != nil {
		return Image{}, err
	}
	for _, r := range append(recipes, foreign()...) {
		if r.name == name {
			return r.make(ctx, log)
		}
	}
	return Image{}, fmt.Errorf("make the image for %s: it is none of ours", name)
}

// programsAt are where our programs lie. A main package at a new place needs a line here, and one of the known kind
// needs none.
var programsAt = []string{"functions/*/cmd", "operators/cmd", "longrunning/bounceradmin/cmd", "longrunning/front/cmd", "longrunning/schema/cmd", "tests/cluster/standin", "tests/cluster/hello"}

// operator is the only program that tells its version: what it looks after bears that.
const operator = "operators/cmd"

// programs are the recipes of our Go programs.
func programs() ([]recipe, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	var recipes []recipe
	for _, pattern := range programsAt {
		folders, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, folder := range folders {
			if _, err := os.Stat(filepath.Join(folder, "main.go")); err != nil {
				continue
			}
			relative, err := filepath.Rel(root, folder)
			if err != nil {
				return nil, err
			}
			recipes = append(recipes, programRecipe(filepath.ToSlash(relative)))
		}
	}
	if len(recipes) == 0 {
		return nil, errors.New("there are no programs to make images of")
	}
	return recipes, nil
}

func programRecipe(folder string) recipe {
	pkg := "irc.now/" + folder
	return recipe{"ko://" + pkg, func(ctx context.Context, log *slog.Logger) (Image, error) {
		return Go(ctx, pkg, Options{Name: "irc-now/" + programName(folder), Versioned: folder == operator, Log: log})
	}}
}

// programName is the folder's name, or that of the folder above a cmd.
func programName(folder string) string {
	folder = strings.TrimSuffix(folder, "/cmd")
	return folder[strings.LastIndexByte(folder, '/')+1:]
}

//go:embed chat.html
var chatPage string

// chatConfig is what the chat image does where nothing is mounted over it. It keeps to what an image with a read-only
// root allows: everything that nginx writes goes to /tmp.
//
//go:embed chat.conf
var chatConfig string

// foreign are the recipes of programs that are not ours.
func foreign() []recipe {
	return []recipe{
		{Soju, func(ctx context.Context, log *slog.Logger) (Image, error) {
			return Debian(ctx, Packages{Suites: []string{"sid", "forky"}, Names: []string{"soju"}},
				Options{
					Name: "irc-now/soju", Entrypoint: []string{"soju"}, Log: log,
					// The cluster's own authority comes with the bouncer's certificate, and networks there have theirs from it.
					Env: []string{"SSL_CERT_DIR=/etc/ssl/certs:/etc/soju/tls"},
				})
		}},
		{Ergo, ergoImage},
		{Chat, chatImage},
		{PostgreSQL, postgresImage},
	}
}

// ergoImage is an ergo that keeps history in PostgreSQL, which Debian's own does not, and the shell that the operator's
// pods make its store with.
func ergoImage(ctx context.Context, log *slog.Logger) (Image, error) {
	dir, err := servers.CacheDir()
	if err != nil {
		return Image{}, err
	}
	program, err := ergo.Build(ctx, dir, log)
	if err != nil {
		return Image{}, err
	}
	return Debian(ctx, Packages{Names: []string{"dash", "coreutils"}, Version: program.Version}, Options{
		Name: "irc-now/ergo", Entrypoint: []string{"ergo"}, Files: map[string]string{"/usr/local/bin/ergo": program.Path}, Log: log,
	})
}

// chatImage is nginx with a page that says what is missing. The web client itself is in no package registry: the real
// image builds it from its release.
func chatImage(ctx context.Context, log *slog.Logger) (Image, error) {
	return Debian(ctx, Packages{
		Names: []string{"nginx"}, Drop: []string{"usr/lib/nginx/modules", "var/www", "etc/nginx/sites-*", "etc/nginx/modules-*"},
	}, Options{
		Name: "irc-now/chat", Entrypoint: []string{"nginx", "-e", "/dev/stderr"},
		Texts: map[string]string{"/usr/share/nginx/html/index.html": chatPage, "/etc/nginx/nginx.conf": chatConfig}, Log: log,
	})
}

// postgresImage is what CloudNativePG expects of an image: user 26, the programs on PATH, a shell, and a tag that
// begins with the version.
func postgresImage(ctx context.Context, log *slog.Logger) (Image, error) {
	return Debian(ctx, Packages{
		Names:   []string{"postgresql-15", "dash", "bash", "coreutils", "tzdata", "libc-bin", "sed", "grep", "findutils"},
		Without: []string{"libllvm*", "libz3*", "locales", "libc-l10n", "postgresql-common", "postgresql-client-common", "netbase"}, Drop: []string{"usr/lib/postgresql/*/lib/bitcode"},
	}, Options{
		Name: "postgresql", User: "26", Env: []string{"PATH=/usr/lib/postgresql/15/bin:/usr/bin:/bin", "LANG=C.UTF-8"},
		Texts: map[string]string{
			"/etc/passwd": "root:x:0:0::/root:/bin/sh\npostgres:x:26:26::/var/lib/postgresql:/bin/sh\nnonroot:x:65532:65532::/tmp:/bin/sh\n",
			"/etc/group":  "root:x:0:\npostgres:x:26:\nnonroot:x:65532:\n",
		},
		Log: log,
	})
}
