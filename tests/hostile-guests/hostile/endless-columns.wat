;; Has the same column handed over for ever.
;; expect: run Fuel
;; body
(loop $again (call $class-cpu (local.get 0) (i32.const 0) (i32.const -1) (i32.const 512)) (br $again)) (i32.const 1024)
