;; Its functions have other shapes.
;; expect: load Mismatch
(component
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (func $f (canon lift (core func $i "f")))
  (instance $hook (export "configure" (func $f)) (export "place" (func $f)))
  (export "plimsoll:policy/placement@0.2.0" (instance $hook)))
