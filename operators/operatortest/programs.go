package operatortest

import (
	"fmt"
	"os"
	"path/filepath"
)

// missingError says that a program is not there, and how to get it.
type missingError struct{ program string }

func (e *missingError) Error() string {
	return e.program + " is missing: tests against a real API server need it. `make apiserver` builds it " +
		"(about five minutes the first time, seconds later)."
}

// programs are the paths of kube-apiserver and etcd.
func programs(root string) (apiServer, etcd string, err error) {
	bin := filepath.Join(root, ".cache", "cluster", "bin")
	apiServer = filepath.Join(bin, "kubernetes", "kube-apiserver")
	etcd = filepath.Join(bin, "etcd", "etcd")
	for _, program := range []string{apiServer, etcd} {
		info, err := os.Stat(program)
		if err != nil || info.IsDir() {
			return "", "", &missingError{program: program}
		}
	}
	return apiServer, etcd, nil
}

// moduleRoot is the folder of our go.mod, above the folder of the package under test.
func moduleRoot() (string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no go.mod above %s", wd)
		}
	}
}
