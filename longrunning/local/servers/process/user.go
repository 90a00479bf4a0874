package process

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
)

// User is whom a child runs as.
type User struct {
	Name     string
	UID, GID uint32
}

// LookupUser finds the first of names that this machine knows and that is not root.
func LookupUser(names ...string) (*User, error) {
	for _, name := range names {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(found.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(found.Gid, 10, 32)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return &User{Name: name, UID: uint32(uid), GID: uint32(gid)}, nil
		}
	}
	return nil, fmt.Errorf("none of the users %s exists", strings.Join(names, ", "))
}

// IsRoot reports whether we run as root, whom some servers refuse to serve.
func IsRoot() bool { return os.Geteuid() == 0 }
