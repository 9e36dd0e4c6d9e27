// Command testcluster is a whole Kubernetes control plane in one binary, for end-to-end tests on a
// machine without containers. This file only picks the component to run: `up` (the supervisor) starts
// the others by executing this same binary again, so that each has its own process, memory and
// registries of flags and metrics. It holds no test and decides nothing about the cluster's shape.
package main

import (
	"errors"
	"fmt"
	"os"
	_ "time/tzdata"

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	kcm "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

const help = `usage:
  testcluster up   --dir DIR [flags]   start a cluster, print READY, stay in the foreground
  testcluster down --dir DIR           stop what up started
  testcluster etcd|kube-apiserver|kube-controller-manager|kube-scheduler|fakelet [flags]
                                       one component, as up starts them`

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, help)
		os.Exit(2)
	}
	name := os.Args[1]
	os.Args = append([]string{name}, os.Args[2:]...)
	switch name {
	case nameAPIServer:
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case nameControllers:
		os.Exit(cli.Run(kcm.NewControllerManagerCommand()))
	case nameScheduler:
		os.Exit(cli.Run(scheduler.NewSchedulerCommand()))
	}
	own := map[string]func([]string) error{nameEtcd: runEtcd, nameFakelet: runFakelet, "up": runUp, "down": runDown}
	run, found := own[name]
	if !found {
		run = func([]string) error { return errors.New(help) }
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "testcluster:", err)
		os.Exit(1)
	}
}
