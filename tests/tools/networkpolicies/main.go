// Command networkpolicies enforces NetworkPolicies on the test cluster's node: kube-network-policies of Kubernetes'
// network group, as a program of the node and not as a pod.
//
// The kernel hands it the first packet of each connection from or to a pod (the rules for that are
// tests/cluster/machine's) and drops what it does not let pass, everything while it does not run. It learns pods'
// addresses from containerd, by the Node Resource Interface: the API server knows them later than pods use them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
)

type settings struct {
	kubeconfig string
	runtime    string // the socket on which containerd tells of pods
	queue      int    // the kernel's number for the queue of packets
}

func main() {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	var s settings
	flag.StringVar(&s.kubeconfig, "kubeconfig", "", "how to reach the API server")
	flag.StringVar(&s.runtime, "runtime", "", "containerd's socket for plugins")
	flag.IntVar(&s.queue, "queue", 0, "number of the kernel's queue of packets")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, s, log)
	stop()
	if err != nil {
		log.Error("network policies are not enforced", slog.Any("error", err))
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings, log *slog.Logger) error {
	runtime, err := attach(ctx, s.runtime)
	if err != nil {
		return err
	}
	go restart(runtime, log)
	config, err := clientcmd.BuildConfigFromFlags("", s.kubeconfig)
	if err != nil {
		return fmt.Errorf("read the kubeconfig: %w", err)
	}
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	config.ContentType = "application/vnd.kubernetes.protobuf"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	controller, err := networkpolicy.NewController(
		client, factory.Networking().V1().NetworkPolicies(), factory.Core().V1().Namespaces(), factory.Core().V1().Pods(),
		nil, nil, nil, nil,
		networkpolicy.Config{
			QueueID: s.queue,
			// Its own nftables rules queue the packets of this node's pods, and not every kernel can have them (nft_queue).
			// So the machine's rules do that, and on a node without pods it has nothing to make rules for.
			NodeName: "no-node",
		},
	)
	if err != nil {
		return fmt.Errorf("make the controller: %w", err)
	}
	factory.Start(ctx.Done())
	return controller.Run(ctx)
}

// attach connects to containerd, which may not be up yet, and leaves a connection where the controller looks for one that
// was made for it: of itself it knows no socket but the one of a system's own containerd. What is returned is that
// connection once more, to see its end.
func attach(ctx context.Context, socket string) (int, error) {
	for {
		fd, err := connect(socket)
		if err == nil {
			given, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
			if err != nil {
				return 0, fmt.Errorf("duplicate the connection to containerd: %w", err)
			}
			return fd, os.Setenv("NRI_PLUGIN_SOCKET", strconv.Itoa(given))
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("reach containerd: %w", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func connect(socket string) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: socket}); err != nil {
		return 0, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// restart begins anew when containerd has gone away: the controller would go on without learning of new pods.
func restart(runtime int, log *slog.Logger) {
	fds := []unix.PollFd{{Fd: int32(runtime), Events: unix.POLLRDHUP}}
	for {
		if _, err := unix.Poll(fds, -1); err == nil {
			break
		}
	}
	log.Info("containerd has gone: beginning anew")
	self, err := os.Executable()
	if err == nil {
		err = syscall.Exec(self, os.Args, os.Environ())
	}
	log.Error("cannot begin anew", slog.Any("error", err))
	os.Exit(1)
}
