package local

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"irc.now/longrunning/local/servers/process"
	"irc.now/shared/fault"
)

// Explain gives the one sentence that says what to do about an error of [Start].
func Explain(err error, dir string) string {
	switch {
	case diskFull(err):
		return fmt.Sprintf("There is no room left on the disk that holds %s. Free about 500 MB, or choose another folder with IRCNOW_DIR, and try again.", dir)
	case fault.KindOf(err) != fault.Internal:
		return fault.Sentence(err)
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Sprintf("The data folder %s cannot be written to. Change its permissions, or choose another folder with IRCNOW_DIR, and try again. (%v)", dir, err)
	default:
		return "irc.now could not start: " + brief(err)
	}
}

// sqlDiskFull is PostgreSQL's code for a full disk.
const sqlDiskFull = "53100"

// diskFull also believes what a child said of the disk, and what the database says.
func diskFull(err error) bool {
	answer, fromDatabase := errors.AsType[*pgconn.PgError](err)
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || fromDatabase && answer.Code == sqlDiskFull
}

// maxBrief is how much of an error a person is shown.
const maxBrief = 400

// brief is an error in one line; of a child's last words, the one that says why it ended. The log has it whole.
func brief(err error) string {
	if exit, ended := errors.AsType[*process.ExitError](err); ended {
		return fmt.Sprintf("%s ended. It said: %s", exit.Name, exit.Words())
	}
	if fault.KindOf(err) != fault.Internal {
		return fault.Sentence(err)
	}
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if len(text) > maxBrief {
		text = strings.ToValidUTF8(text[:maxBrief], "") + "…"
	}
	return text
}
