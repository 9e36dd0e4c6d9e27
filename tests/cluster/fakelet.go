// The fakelet plays the kubelet of every node (or of those that --node-selector picks): it makes nodes
// Ready, bound pods Running, deleted pods gone, and serves their load. This file holds its set-up and
// work queues; node_life.go, pod_life.go, kubelet.go and metricsapi.go what it does. It runs no
// container, checks no resource, and knows no network.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"

	"plimsoll.io/testcluster/load"
)

// Annotations that steer it; those about load are in load/load.go. Durations are Go's: 1.5s, 2m.
const (
	// Node: "true" leaves the node and its pods alone, as a machine whose kubelet is dead.
	annSilent = "fakelet/silent"
	// Node: how long after its creation it becomes Ready.
	annReadyAfter = "fakelet/ready-after"
	// Node: "true" reports Ready=False, as a kubelet whose runtime is broken.
	annNotReady = "fakelet/not-ready"
	// Node: capacity to report where the node was created without, as cpu=4,memory=16Gi,pods=110.
	annCapacity = "fakelet/capacity"
	// Node: "true" answers 503 to every metrics request.
	annMetricsFail = "fakelet/metrics-fail"
	// Pod: how long after binding it becomes Running and Ready.
	annStartAfter = "fakelet/start-after"
	// Pod: how long it runs before it ends as Succeeded (for Jobs).
	annRunFor = "fakelet/run-for"
	// Pod: how long it takes to end once deletion is asked for; capped by its grace period.
	annStopAfter = "fakelet/stop-after"
)

// Indexes of the pod cache.
const (
	byNode  = "node"
	byGroup = "load-group"
)

type queue = workqueue.TypedRateLimitingInterface[string]

type fakelet struct {
	client     kubernetes.Interface
	played     labels.Selector
	nodes      corelisters.NodeLister
	namespaces corelisters.NamespaceLister
	pods       corelisters.PodLister
	podIndex   cache.Indexer
	nodeQueue  queue
	podQueue   queue
	lease      time.Duration
	reap       bool
	removed    sync.Map // names of nodes seen and then deleted
	meter      *load.Meter
	watched    sync.Map // node name → time of the last scrape
}

type fakeletOptions struct {
	kubeconfig, selector, socket, cert, key string
	workers                                 int
	metricsAPI                              bool
}

func parseFakelet(args []string, f *fakelet) *fakeletOptions {
	o := &fakeletOptions{}
	flags := flag.NewFlagSet(nameFakelet, flag.ExitOnError)
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig")
	flags.StringVar(&o.selector, "node-selector", "", "label selector of the nodes to play; empty: all")
	flags.StringVar(&o.socket, "socket", "", "unix socket on which the egress proxy hands over connections to nodes")
	flags.StringVar(&o.cert, "tls-cert", "", "serving certificate")
	flags.StringVar(&o.key, "tls-key", "", "its key")
	flags.IntVar(&o.workers, "workers", 16, "concurrent writes")
	flags.BoolVar(&o.metricsAPI, "metrics-api", false, "register and serve metrics.k8s.io")
	flags.DurationVar(&f.lease, "lease-interval", 0, "how often to renew node leases; 0: never")
	flags.BoolVar(&f.reap, "reap", true, "remove the pods of a deleted Node at once; else Kubernetes' collector does after 40 to 70 s")
	_ = flags.Parse(args)
	return o
}

func runFakelet(args []string) error {
	f := &fakelet{meter: load.NewMeter(), nodeQueue: newQueue(), podQueue: newQueue()}
	o := parseFakelet(args, f)
	var err error
	if f.played, err = labels.Parse(o.selector); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.UserAgent = -1, nameFakelet
	config.ContentConfig = rest.ContentConfig{ContentType: "application/vnd.kubernetes.protobuf", AcceptContentTypes: "application/vnd.kubernetes.protobuf,application/json"}
	if f.client, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if err := f.watch(ctx); err != nil {
		return err
	}
	if o.socket != "" {
		if err := f.serveKubelets(ctx, o); err != nil {
			return err
		}
	}
	for range o.workers {
		go work(ctx, f.nodeQueue, f.syncNode)
		go work(ctx, f.podQueue, f.syncPod)
	}
	<-ctx.Done()
	f.nodeQueue.ShutDown()
	f.podQueue.ShutDown()
	return nil
}

// watch fills the caches and feeds the queues from them.
func (f *fakelet) watch(ctx context.Context) error {
	lean := informers.WithTransform(func(o any) (any, error) {
		if m, ok := o.(metav1.ObjectMetaAccessor); ok {
			m.GetObjectMeta().SetManagedFields(nil)
		}
		return o, nil
	})
	cluster := informers.NewSharedInformerFactoryWithOptions(f.client, 0, lean)
	bound := informers.NewSharedInformerFactoryWithOptions(f.client, 0, lean, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermNotEqualSelector("spec.nodeName", "").String()
	}))
	nodes, pods := cluster.Core().V1().Nodes(), bound.Core().V1().Pods()
	f.nodes, f.pods, f.namespaces = nodes.Lister(), pods.Lister(), cluster.Core().V1().Namespaces().Lister()
	f.podIndex = pods.Informer().GetIndexer()
	err := pods.Informer().AddIndexers(cache.Indexers{
		byNode: func(o any) ([]string, error) { return []string{o.(*v1.Pod).Spec.NodeName}, nil },
		byGroup: func(o any) ([]string, error) {
			if group := groupKey(o.(*v1.Pod)); group != "" {
				return []string{group}, nil
			}
			return nil, nil
		},
	})
	if err != nil {
		return err
	}
	if _, err := nodes.Informer().AddEventHandler(feed(f.nodeQueue, f.nodeGone)); err != nil {
		return err
	}
	if _, err := pods.Informer().AddEventHandler(feed(f.podQueue, nil)); err != nil {
		return err
	}
	for _, factory := range []informers.SharedInformerFactory{cluster, bound} {
		factory.Start(ctx.Done())
		factory.WaitForCacheSync(ctx.Done())
	}
	return nil
}

func feed(q queue, gone func(any)) cache.ResourceEventHandlerFuncs {
	add := func(o any) {
		if key, err := cache.MetaNamespaceKeyFunc(o); err == nil {
			q.Add(key)
		}
	}
	return cache.ResourceEventHandlerFuncs{AddFunc: add, UpdateFunc: func(_, o any) { add(o) }, DeleteFunc: gone}
}

func newQueue() queue {
	return workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[string](20*time.Millisecond, 5*time.Second))
}

// work runs sync for each key; a positive answer asks for the same key again after that long.
func work(ctx context.Context, q queue, sync func(context.Context, string) (time.Duration, error)) {
	for {
		key, quit := q.Get()
		if quit {
			return
		}
		again, err := sync(ctx, key)
		switch {
		case apierrors.IsNotFound(err):
			q.Forget(key)
		case apierrors.IsConflict(err):
			q.AddAfter(key, 50*time.Millisecond) // our cache is behind
		case err != nil:
			fmt.Fprintln(os.Stderr, key, err)
			q.AddRateLimited(key)
		default:
			q.Forget(key)
			if again > 0 {
				q.AddAfter(key, again)
			}
		}
		q.Done(key)
	}
}

// left says how much of a delay written in an annotation remains, counted from a moment.
func left(annotations map[string]string, key string, from time.Time) time.Duration {
	delay, err := time.ParseDuration(annotations[key])
	if err != nil {
		return 0
	}
	return max(0, time.Until(from.Add(delay)))
}

// plays says whether the node has a kubelet at all, and a living one.
func (f *fakelet) plays(n *v1.Node) bool {
	return n.Annotations[annSilent] != "true" && f.played.Matches(labels.Set(n.Labels))
}
