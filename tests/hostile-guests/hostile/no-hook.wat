;; Exports something else.
;; expect: load NoHook run
(component (core module $m (func (export "f"))) (core instance $i (instantiate $m)) (func (export "run") (canon lift (core func $i "f"))))
