;; Two that call each other for ever.
;; expect: run Trap stack
;; declarations
(func $a (param i32) (result i32) (i32.add (call $b (local.get 0)) (i32.const 1)))
(func $b (param i32) (result i32) (i32.sub (call $a (local.get 0)) (i32.const 1)))
;; body
(call $a (i32.const 0))
