package sdk

// What stands behind the numbers of some columns. Later versions of the contract may show numbers that have no name
// here.

// GroupKind is a kind of group. Treat one that has no name here as EC2.
type GroupKind uint32

// Kinds of groups.
const (
	ASG GroupKind = iota + 1 // self-managed Auto Scaling group
	ManagedNodeGroup
	Kops
	Fleet // Plimsoll's own
	Fargate
	ECS
	Kwok
	Simulated
)

// Purchase is how instances are paid.
type Purchase uint32

// Ways to pay.
const (
	SeveralWays Purchase = iota
	OnDemand
	Spot
	Reserved
)

// Due is why another node should take a candidate's place.
type Due uint32

// Reasons for another node.
const (
	NotDue  Due = iota
	Expired     // as old as it may become
	Drifted     // its group would make it otherwise today
)

// Confidence is how far a price can be trusted.
type Confidence uint32

// Where prices are from.
const (
	FromProvider Confidence = iota + 1 // or from the operator's file
	BuiltIn
	Estimated
	NobodyKnows // never wins by money
)

// NodeState is what a node is up to: a sum of the states below.
type NodeState uint32

// States of nodes.
const (
	Ready NodeState = 1 << iota
	Cordoned
	BeingDeleted
	FargateNode // a Fargate pod's own
	Kept        // by an annotation
	Draining    // by Plimsoll
	Leaving     // the provider takes it away
)

// Is says whether all of the states given are among it.
func (s NodeState) Is(states NodeState) bool { return s&states == states }

// Phase is how far a pod has come.
type Phase uint32

// Phases of pods.
const (
	Pending Phase = iota
	Running
	Terminating
	Finished
)
