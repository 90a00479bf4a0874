package deploy

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"sigs.k8s.io/yaml"
)

// program is how ko is told to build a Go program.
const program = "ko://"

// registry is a host and a path. A path alone would mean Docker's own registry, and is a slip.
var registry = regexp.MustCompile(`^(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+|[a-z0-9-]+:[0-9]+)(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`)

// buildImages builds and pushes images, and returns where each is, by digest.
func (c Config) buildImages(ctx context.Context, references []string) (map[string]string, error) {
	var programs, others []string
	for _, reference := range references {
		if strings.HasPrefix(reference, program) {
			programs = append(programs, reference)
		} else {
			others = append(others, reference)
		}
	}
	where, err := c.buildPrograms(ctx, programs)
	if err != nil {
		return nil, err
	}
	for _, reference := range others {
		if where[reference], err = c.folderImage(ctx, path.Base(reference)); err != nil {
			return nil, err
		}
	}
	return where, nil
}

// buildPrograms has ko build all at once: it is given a document with their names, and replaces those.
func (c Config) buildPrograms(ctx context.Context, references []string) (map[string]string, error) {
	document, err := yaml.Marshal(map[string][]string{"images": references})
	if err != nil {
		return nil, fmt.Errorf("list the programs: %w", err)
	}
	built, err := c.output(ctx, document, c.Ko, "resolve", "--preserve-import-paths", "--filename", "-")
	if err != nil {
		return nil, fmt.Errorf("build the programs' images: %w", err)
	}
	var answer struct{ Images []string }
	if err := yaml.Unmarshal([]byte(built), &answer); err != nil || len(answer.Images) != len(references) {
		return nil, fmt.Errorf("ko built %d of %d images (%w)", len(answer.Images), len(references), err)
	}
	where := map[string]string{}
	for i, reference := range references {
		where[reference] = answer.Images[i]
	}
	return where, nil
}

// folderImage is the image of longrunning/<folder>, which has a Dockerfile. What the registry has under the tag of the
// present sources is taken as it is: building it again would make another image, with which every bouncer and network
// starts anew.
func (c Config) folderImage(ctx context.Context, folder string) (string, error) {
	tag, err := Tag(c.Root, folder)
	if err != nil {
		return "", err
	}
	image := c.Registry + "/" + folder + ":" + tag
	if !c.Rebuild {
		digest, err := pushed(ctx, image)
		if err == nil {
			return digest, nil
		}
		fmt.Fprintf(c.Out, "%s is built, since the registry does not give it (%v)\n", image, err)
	}
	engine, err := c.engine()
	if err != nil {
		return "", fmt.Errorf("%w, or push %s from elsewhere", err, image)
	}
	if err := c.run(ctx, nil, engine, "build", "--pull", "--tag", image, "--file", "longrunning/"+folder+"/Dockerfile", "."); err != nil {
		return "", fmt.Errorf("build %s: %w", image, err)
	}
	if err := c.run(ctx, nil, engine, "push", image); err != nil {
		return "", fmt.Errorf("push %s: %w", image, err)
	}
	return pushed(ctx, image)
}

// pushed is the image that the registry has under a tag, by digest. Credentials are those of docker or podman.
func pushed(ctx context.Context, image string) (string, error) {
	reference, err := name.ParseReference(image)
	if err != nil {
		return "", fmt.Errorf("name an image: %w", err)
	}
	found, err := remote.Head(reference, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return "", fmt.Errorf("ask the registry for %s: %w", image, err)
	}
	return reference.Context().Digest(found.Digest.String()).Name(), nil
}

// engine is what builds images from Dockerfiles: the one that was asked for, or what is installed.
func (c Config) engine() (string, error) {
	engines := []string{"docker", "podman"}
	if c.Engine != "" {
		engines = []string{c.Engine}
	}
	for _, engine := range engines {
		if found, err := exec.LookPath(engine); err == nil {
			return found, nil
		}
	}
	return "", errors.New(strings.Join(engines, " and ") + " cannot be found: install docker or podman, name another program in CONTAINER_ENGINE")
}
