package servers_test

import (
	"fmt"
	"net"
	"testing"

	"irc.now/longrunning/local/servers"
)

func TestAFreePortIsKeptForWhoNamesIt(t *testing.T) {
	const many = 300
	kept := map[int]bool{}
	for range many {
		port, release, err := servers.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		if kept[port] {
			t.Fatalf("port %d was given twice", port)
		}
		kept[port] = true
	}
	for range many {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for _, address := range []net.Addr{listener.Addr(), conn.LocalAddr()} {
			if tcp, ok := address.(*net.TCPAddr); !ok || kept[tcp.Port] {
				t.Fatalf("%s was given to somebody else", address)
			}
		}
	}
	for port := range kept {
		address := fmt.Sprintf("127.0.0.1:%d", port)
		for range 2 { // a server that is started again
			listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address); err == nil {
				t.Fatal("two servers listen on one port")
			}
			_ = listener.Close()
		}
	}
}
