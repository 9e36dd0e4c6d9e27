;; Its hook has no functions.
;; expect: load Mismatch has no function configure
(component (instance $i) (export "plimsoll:policy/placement@0.2.0" (instance $i)))
