package deploy

import (
	"context"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

// program is how ko is told to build a Go program.
const program = "ko://"

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
		if where[reference], err = c.buildFolder(ctx, reference); err != nil {
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

// buildFolder builds the Dockerfile of longrunning/<name> for irc.now/<name>.
func (c Config) buildFolder(ctx context.Context, reference string) (string, error) {
	name := reference[strings.LastIndexByte(reference, '/')+1:]
	tag := c.Registry + "/" + name + ":" + c.version
	if err := c.run(ctx, nil, c.Engine, "build", "--pull", "--tag", tag, "--file", "longrunning/"+name+"/Dockerfile", "."); err != nil {
		return "", fmt.Errorf("build the image of %s: %w", name, err)
	}
	if err := c.run(ctx, nil, c.Engine, "push", tag); err != nil {
		return "", fmt.Errorf("push the image of %s: %w", name, err)
	}
	digests, err := c.output(ctx, nil, c.Engine, "inspect", "--format", `{{range .RepoDigests}}{{println .}}{{end}}`, tag)
	if err != nil {
		return "", err
	}
	for digest := range strings.FieldsSeq(digests) {
		if strings.HasPrefix(digest, c.Registry+"/"+name+"@") {
			return digest, nil
		}
	}
	return "", fmt.Errorf("%s does not know the digest of %s", c.Engine, tag)
}
