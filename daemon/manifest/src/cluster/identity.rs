//! What tells an object from all others of the input.
//!
//! Not here: what becomes of one that stands there twice.

use crate::object::{Object, WORKLOAD_KINDS};

/// Kind, namespace and name; of objects of the whole cluster without a namespace.
pub(super) struct Identity<'o> {
    pub(super) kind: &'static str,
    pub(super) namespace: &'o str,
    pub(super) name: &'o str,
}

/// `None` where an object may stand there several times.
pub(super) fn identity(object: &Object) -> Option<Identity<'_>> {
    let (kind, namespace, name): (&'static str, &str, &str) = match object {
        Object::Pod(pod) => ("Pod", &pod.key.namespace, &pod.key.name),
        Object::Node(node) => ("Node", "", node.node.name.as_str()),
        Object::Workload(workload) => {
            let key = &workload.workload.key;
            let kind = WORKLOAD_KINDS.into_iter().find(|kind| **kind == *key.kind);
            (kind.unwrap_or("workload"), &key.namespace, &key.name)
        }
        Object::Budget(budget) => ("PodDisruptionBudget", &budget.namespace, &budget.name),
        Object::Claim(claim) => ("PersistentVolumeClaim", &claim.namespace, &claim.name),
        Object::Volume(volume) => ("PersistentVolume", "", &volume.name),
        Object::Class(class) => ("StorageClass", "", &class.name),
        Object::Driver(driver) => ("CSIDriver", "", &driver.name),
        Object::Attach(limits) => ("CSINode", "", &limits.node),
        Object::Profile(profile) => ("FargateProfile", "", &profile.name),
        Object::NodeGroup(group) => ("node group", "", group.name.as_str()),
        Object::Namespace(namespace) => ("Namespace", "", &namespace.name),
        Object::RuntimeClass(class) => ("RuntimeClass", "", &class.name),
        Object::LimitRange(range) => ("LimitRange", &range.namespace, &range.name),
        Object::PriorityClass(class) => ("PriorityClass", "", &class.name),
        Object::Ecs(_)
        | Object::Sign(_)
        | Object::Scaler(_)
        | Object::Region(_)
        | Object::Ignored(_)
        | Object::Unknown(_) => return None,
    };
    Some(Identity {
        kind,
        namespace,
        name,
    })
}
