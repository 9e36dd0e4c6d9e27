;; Its hook is no interface.
;; expect: load Mismatch
(component (core module $m (func (export "f"))) (core instance $i (instantiate $m)) (func $f (canon lift (core func $i "f"))) (export "plimsoll:policy/placement@0.2.0" (func $f)))
