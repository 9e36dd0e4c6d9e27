;; Ten memories of 60 MiB.
;; expect: load
(component
  (core module $m (memory 960) (func (export "f")))
  (core instance (instantiate $m))
(core instance (instantiate $m))
(core instance (instantiate $m))
(core instance (instantiate $m))
(core instance (instantiate $m))
(core instance (instantiate $m))
(core instance (instantiate $m))
(core instance (instantiate $m))
(core instance (instantiate $m))
(core instance (instantiate $m))
  (core module $n (func (export "configure") (param i32 i32) (result i32) (i32.const 0)))
  (instance $hook) (export "plimsoll:policy/placement@0.2.0" (instance $hook)))
