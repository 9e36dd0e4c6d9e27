//! What placement policies make of prices, added up: factors by offer set, addends and bans by class and set.

use crate::asking::Counted;
use crate::market::FargateOption;
use model::advice::Advice;
use model::ids::PolicyName;
use model::money::UsdPerHour;
use std::collections::BTreeMap;

/// No effect, in thousandths.
const NEUTRAL: u32 = 1000;

/// What placement policies make of prices, added up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Adjust {
    factors: BTreeMap<usize, (u32, PolicyName)>,
    /// By class and set: nano-dollars per hour and pod, and who added last under which code.
    pub(crate) addends: BTreeMap<(usize, usize), (i64, PolicyName, u16)>,
    /// By class and set: who forbids it under which code.
    pub(crate) forbids: BTreeMap<(usize, usize), (PolicyName, u16)>,
}

impl Adjust {
    /// Adds the answers up.
    pub(crate) fn of(answers: &[Counted<'_>]) -> Self {
        let mut adjust = Self::default();
        for (name, advice) in answers {
            let Advice::Placement(advice) = &**advice else {
                continue;
            };
            for (set, factor) in &advice.factors {
                let entry = adjust
                    .factors
                    .entry(*set as usize)
                    .or_insert_with(|| (NEUTRAL, (*name).clone()));
                let product = u64::from(entry.0) * u64::from(*factor) / u64::from(NEUTRAL);
                *entry = (u32::try_from(product).unwrap_or(u32::MAX), (*name).clone());
            }
            for (class, set, code) in &advice.forbids {
                let key = (*class as usize, *set as usize);
                adjust
                    .forbids
                    .entry(key)
                    .or_insert_with(|| ((*name).clone(), *code));
            }
            for (class, set, addend, code) in &advice.addends {
                let key = (*class as usize, *set as usize);
                let entry = adjust
                    .addends
                    .entry(key)
                    .or_insert_with(|| (0, (*name).clone(), *code));
                *entry = (entry.0.saturating_add(*addend), (*name).clone(), *code);
            }
        }
        adjust.factors.retain(|_, (factor, _)| *factor != NEUTRAL);
        adjust.addends.retain(|_, (addend, _, _)| *addend != 0);
        adjust
    }

    /// What holds for a class holds for another as well, which has none yet.
    pub(crate) fn copy(&mut self, class: usize, to: usize) {
        let own = |of: &(usize, usize)| of.0 == class;
        let addends = self.addends.iter().filter(|(key, _)| own(key));
        let addends: Vec<_> = addends.map(|((_, set), of)| ((to, *set), of.clone())).collect();
        self.addends.extend(addends);
        let forbids = self.forbids.iter().filter(|(key, _)| own(key));
        let forbids: Vec<_> = forbids.map(|((_, set), of)| ((to, *set), of.clone())).collect();
        self.forbids.extend(forbids);
    }

    /// Nothing changes.
    pub(crate) fn is_neutral(&self) -> bool {
        self.factors.is_empty() && self.addends.is_empty() && self.forbids.is_empty()
    }

    /// Price factor of a set, in thousandths.
    pub(crate) fn factor(&self, set: usize) -> i64 {
        self.factors
            .get(&set)
            .map_or(NEUTRAL, |(factor, _)| *factor)
            .into()
    }

    /// Sets with an addend for the class.
    pub(crate) fn addends_of(&self, class: usize) -> impl Iterator<Item = (usize, i64)> {
        self.addends
            .range((class, 0)..=(class, usize::MAX))
            .map(|((_, set), (addend, _, _))| (*set, *addend))
    }

    /// Sets that are forbidden to the class.
    pub(crate) fn forbids_of(&self, class: usize) -> impl Iterator<Item = usize> {
        self.forbids
            .range((class, 0)..=(class, usize::MAX))
            .map(|((_, set), _)| *set)
    }

    /// What one pod of the class costs as this size; `None` where it is forbidden.
    pub(crate) fn fargate_price(&self, class: usize, option: &FargateOption) -> Option<UsdPerHour> {
        if self.forbids.contains_key(&(class, option.set)) {
            return None;
        }
        let addend = self
            .addends
            .get(&(class, option.set))
            .map_or(0, |(addend, _, _)| *addend);
        let price = option
            .price
            .scaled(self.factor(option.set))
            .0
            .saturating_add(addend);
        Some(UsdPerHour(price.max(0)))
    }

    /// Who had the last word on the price of a class in a set, and under which code.
    pub(crate) fn voice(&self, class: usize, set: usize) -> Option<(PolicyName, u16)> {
        self.addends
            .get(&(class, set))
            .map(|(_, name, code)| (name.clone(), *code))
            .or_else(|| self.factors.get(&set).map(|(_, name)| (name.clone(), 0)))
    }
}
