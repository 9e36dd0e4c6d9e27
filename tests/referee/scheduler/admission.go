package main

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	defaults "k8s.io/kubernetes/pkg/apis/core/v1"
	"k8s.io/kubernetes/pkg/apis/core/validation"
	podregistry "k8s.io/kubernetes/pkg/registry/core/pod"
)

// cluster is a question as it would stand in the API server: defaulted, with label keys merged into selectors
// and every namespace present.
type cluster struct {
	nodes      []*v1.Node
	known      map[string]bool
	placed     []*v1.Pod
	namespaces []*v1.Namespace
	// storage objects; where there are any, volume plugins need informers that hold them.
	storage []kruntime.Object
	refused []string
}

func admit(q *question) *cluster {
	c := &cluster{nodes: q.Nodes, known: map[string]bool{}}
	for _, n := range q.Nodes {
		c.known[n.Name] = true
		c.node(n)
	}
	for i, p := range q.Pods {
		c.pod(p, i)
		finished := p.Status.Phase == v1.PodSucceeded || p.Status.Phase == v1.PodFailed
		if c.known[p.Spec.NodeName] && !finished {
			c.placed = append(c.placed, p)
		}
	}
	for i, p := range q.Pending {
		c.pod(p, len(q.Pods)+i)
	}
	c.spaces(q)
	c.volumes(q)
	return c
}

func (c *cluster) refuse(kind, name string, err error) {
	if err != nil {
		c.refused = append(c.refused, fmt.Sprintf("%s %s: %v", kind, name, err))
	}
}

func (c *cluster) node(n *v1.Node) {
	defaults.SetObjectDefaults_Node(n)
	var internal core.Node
	if err := legacyscheme.Scheme.Convert(n, &internal, nil); err != nil {
		c.refuse("Node", n.Name, err)
		return
	}
	c.refuse("Node", n.Name, validation.ValidateNode(&internal).ToAggregate())
}

// pod gives a pod what it would get on its way through the API server. Its status stays as it is.
func (c *cluster) pod(p *v1.Pod, number int) {
	if p.Namespace == "" {
		p.Namespace = "default"
	}
	if p.UID == "" {
		p.UID = types.UID(fmt.Sprintf("%s/%s/%d", p.Namespace, p.Name, number))
	}
	defaults.SetObjectDefaults_Pod(p)
	status := p.Status
	var internal core.Pod
	if err := legacyscheme.Scheme.Convert(p, &internal, nil); err != nil {
		c.refuse("Pod", p.Name, err)
		return
	}
	ctx := context.Background()
	podregistry.Strategy.PrepareForCreate(ctx, &internal)
	c.refuse("Pod", p.Name, podregistry.Strategy.Validate(ctx, &internal).ToAggregate())
	var created v1.Pod
	if err := legacyscheme.Scheme.Convert(&internal, &created, nil); err != nil {
		c.refuse("Pod", p.Name, err)
		return
	}
	created.Status = status
	*p = created
}

// spaces completes namespaces: every pod's own, each with the label that the API server sets.
func (c *cluster) spaces(q *question) {
	known := map[string]bool{}
	add := func(n *v1.Namespace) {
		if known[n.Name] {
			return
		}
		known[n.Name] = true
		if n.Labels == nil {
			n.Labels = map[string]string{}
		}
		n.Labels[v1.LabelMetadataName] = n.Name
		c.namespaces = append(c.namespaces, n)
	}
	for _, n := range q.Namespaces {
		add(n)
	}
	for _, pods := range [][]*v1.Pod{q.Pods, q.Pending} {
		for _, p := range pods {
			add(&v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: p.Namespace}})
		}
	}
}

func (c *cluster) volumes(q *question) {
	for _, x := range q.Claims {
		if x.Namespace == "" {
			x.Namespace = "default"
		}
		defaults.SetObjectDefaults_PersistentVolumeClaim(x)
		c.storage = append(c.storage, x)
	}
	for _, x := range q.Volumes {
		defaults.SetObjectDefaults_PersistentVolume(x)
		c.storage = append(c.storage, x)
	}
	for _, x := range q.StorageClasses {
		if x.VolumeBindingMode == nil {
			immediate := storagev1.VolumeBindingImmediate
			x.VolumeBindingMode = &immediate
		}
		c.storage = append(c.storage, x)
	}
	for _, x := range q.CSINodes {
		c.storage = append(c.storage, x)
	}
	for _, x := range q.CSIDrivers {
		c.storage = append(c.storage, x)
	}
}
