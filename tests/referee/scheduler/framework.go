package main

import (
	"context"

	v1 "k8s.io/api/core/v1"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	schedconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/latest"
	schedcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodevolumelimits"
	schedruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
)

// scheduler is kube-scheduler's framework with its default profile, over a picture of nodes and pods that can be
// swapped. Building one costs a millisecond or so; it serves any number of cases that have no storage objects.
type scheduler struct {
	framework framework.Framework
	picture   *picture
	factory   informers.SharedInformerFactory
	filters   []fwk.FilterPlugin
	ctx       context.Context
	close     context.CancelFunc
}

// picture is what the framework looks at; only the snapshot inside changes.
type picture struct{ *schedcache.Snapshot }

// left are plugins of the default profile that this program does not judge by: claims on dynamic resources
// need a manager with a client, and preemption filters nothing.
var left = map[string]bool{names.DynamicResources: true, names.DefaultPreemption: true}

// newScheduler builds a framework. Storage objects, where given, are held by informers: volume plugins keep
// caches of their own.
func newScheduler(storage ...kruntime.Object) (*scheduler, error) {
	config, err := latest.Default()
	if err != nil {
		return nil, err
	}
	profile := config.Profiles[0]
	var enabled []schedconfig.Plugin
	for _, p := range profile.Plugins.MultiPoint.Enabled {
		if !left[p.Name] {
			enabled = append(enabled, p)
		}
	}
	profile.Plugins.MultiPoint = schedconfig.PluginSet{Enabled: enabled}

	client := fake.NewSimpleClientset(storage...)
	s := &scheduler{
		picture: &picture{schedcache.NewEmptySnapshot()},
		factory: informers.NewSharedInformerFactory(client, 0),
	}
	s.ctx, s.close = context.WithCancel(klog.NewContext(context.Background(), klog.Logger{}))
	made := map[string]fwk.Plugin{}
	s.framework, err = schedruntime.NewFramework(s.ctx, remembering(made), &profile,
		schedruntime.WithClientSet(client),
		schedruntime.WithInformerFactory(s.factory),
		schedruntime.WithSnapshotSharedLister(s.picture),
		schedruntime.WithSharedCSIManager(nodevolumelimits.NewCSIManager(s.factory.Storage().V1().CSINodes().Lister())),
		schedruntime.WithParallelism(1))
	if err != nil {
		s.close()
		return nil, err
	}
	for _, p := range enabled { // the order in which the scheduler asks them
		if f, ok := made[p.Name].(fwk.FilterPlugin); ok {
			s.filters = append(s.filters, f)
		}
	}
	if len(storage) > 0 {
		s.factory.Start(s.ctx.Done())
		s.factory.WaitForCacheSync(s.ctx.Done())
	}
	return s, nil
}

// remembering is the registry of in-tree plugins that also notes each one it makes.
func remembering(made map[string]fwk.Plugin) schedruntime.Registry {
	registry := schedruntime.Registry{}
	for name, factory := range plugins.NewInTreeRegistry() {
		registry[name] = func(ctx context.Context, args kruntime.Object, h fwk.Handle) (fwk.Plugin, error) {
			p, err := factory(ctx, args, h)
			made[name] = p
			return p, err
		}
	}
	return registry
}

// know replaces the namespaces that affinity terms may select; for a framework without running informers.
func (s *scheduler) know(namespaces []*v1.Namespace) error {
	list := make([]any, len(namespaces))
	for i, n := range namespaces {
		list[i] = n
	}
	return s.factory.Core().V1().Namespaces().Informer().GetIndexer().Replace(list, "")
}

func (s *scheduler) look(placed []*v1.Pod, nodes []*v1.Node) {
	s.picture.Snapshot = schedcache.NewSnapshot(placed, nodes)
}
