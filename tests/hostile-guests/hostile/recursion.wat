;; Calls itself for ever.
;; expect: run Trap stack
;; declarations
(func $down (param i32) (result i32) (i32.add (call $down (local.get 0)) (i32.const 1)))
;; body
(call $down (i32.const 0))
