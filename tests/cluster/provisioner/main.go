// Command provisioner gives claims of the test cluster volumes: a directory of the one node for each, removed when its
// claim is gone. It watches claims of one storage class and does nothing about capacity.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	ctrl.SetLogger(logr.FromSlogHandler(log.Handler()))
	if err := run(); err != nil {
		log.Error("provisioner ended", slog.Any("error", err))
		os.Exit(1)
	}
}

func run() error {
	dir, node := os.Getenv("VOLUMES"), os.Getenv("NODE_NAME")
	if !filepath.IsAbs(dir) || node == "" {
		return errors.New("VOLUMES has to be an absolute path, and NODE_NAME the name of a node")
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the API server: %w", err)
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{Metrics: metricsserver.Options{BindAddress: "0"}})
	if err != nil {
		return fmt.Errorf("making the manager: %w", err)
	}
	p := &provisioner{Client: mgr.GetClient(), dir: dir, node: node}
	err = cmp.Or(
		ctrl.NewControllerManagedBy(mgr).Named("claims").For(&corev1.PersistentVolumeClaim{}).Complete(claims{p}),
		ctrl.NewControllerManagedBy(mgr).Named("volumes").For(&corev1.PersistentVolume{}).Complete(volumes{p}),
	)
	if err != nil {
		return fmt.Errorf("making a controller: %w", err)
	}
	return mgr.Start(ctrl.SetupSignalHandler())
}
