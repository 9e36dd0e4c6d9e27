//! Kubernetes YAML and JSON, /snapshotz, offers files and aims to the nouns of `model`.
//!
//! Takes contents, never opens a file; no clock, no network. Every mistake of an input comes back at once, one
//! line each, with file, object and field. Watches of a live API server use the same readers through
//! [`Tree`] and the functions that end in `_from`.

mod admission;
mod aims;
mod allocatable;
mod attach;
mod autoscalers;
mod builtin;
mod cluster;
mod documents;
mod ecs;
mod fargate;
mod grown;
mod gzip;
mod intern;
mod lines;
mod market;
mod meta;
mod namespaces;
mod near;
mod node;
mod node_group;
mod object;
mod offers;
mod pod;
mod problem;
mod profile;
mod purchase;
pub mod quantity;
mod rates;
mod region;
mod replicas;
mod requests;
mod reserved;
mod selectors;
mod sheet;
mod spans;
mod storage;
mod table;
mod tariff;
mod tree;
mod undescribed;
mod volumes;
mod workload;

pub use admission::{LimitRangeObject, PriorityClassObject, RuntimeClassObject};
pub use aims::{aims, aims_from, duration, workload_key};
pub use allocatable::{max_pods, max_pods_with_prefixes, usual_allocatable};
pub use attach::{ebs_volumes, limit_volumes};
pub use autoscalers::{Sign, autoscalers};
pub use builtin::built_in;
pub use cluster::ClusterBuilder;
pub use documents::{MAX_BYTES, each_object, objects, single};
pub use ecs::{EcsCluster, EcsDefinition, EcsInstance, EcsObject, EcsProvider, EcsService, EcsTask};
pub use fargate::{fargate_offers, profile_group};
pub use gzip::unpacked;
pub use intern::Specs;
pub use lines::Lines;
pub use market::aim_selectors;
pub use meta::{Controller, instant};
pub use namespaces::{NamespaceObject, Namespaces};
pub use node::{ARCH, HOSTNAME, INSTANCE_TYPE, NodeObject, OS, ZONE, ZONE_ID, group_of};
pub use node_group::NodeGroupObject;
pub use object::{
    Object, attach_from, budget_from, claim_from, class_from, driver_from, namespace_from, node_from,
    pod_from, scaler_from, sign_from, volume_from, workload_from,
};
pub use offers::{FLEET, PriceList, Site, Skipped, TypeRow, fleet_group, offers, price_list};
pub use pod::PodObject;
pub use problem::{Problem, Problems};
pub use profile::ProfileObject;
pub use rates::{FargateByRegion, fargate_prices, fargate_rates};
pub use reserved::{reserve, unmet};
pub use sheet::{At, Sheet};
pub use storage::{Needs, Storage};
pub use tariff::Tariff;
pub use tree::Tree;
pub use volumes::{AttachObject, ClaimObject, ClaimRef, ClassObject, DriverObject, VolumeObject};
pub use workload::{Amount, BudgetObject, ScalerObject, WorkloadObject};
