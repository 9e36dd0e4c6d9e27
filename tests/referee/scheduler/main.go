// Command referee says, for every node, whether kube-scheduler's own filter plugins let a pod run there, and
// which plugin objects if not. It needs no API server: it reads one JSON case a line from standard input and
// writes one JSON verdict a line, in the same order (see case.go).
//
// It judges nothing but feasibility: no scores, no preemption, no extenders, no dynamic resource claims.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"

	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler/metrics"
)

func main() {
	all := flag.Bool("all", false, "name every objecting plugin of a node, not only the first")
	workers := flag.Int("j", runtime.NumCPU(), "cases judged at the same time")
	flag.Parse()
	klog.SetLogger(klog.Logger{})
	metrics.Register()
	if err := serve(os.Stdin, os.Stdout, *workers, *all); err != nil {
		fmt.Fprintln(os.Stderr, "referee:", err)
		os.Exit(1)
	}
}
