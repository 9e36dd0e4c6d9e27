;; Says bytes that are no UTF-8.
;; expect: run Trap
;; declarations
(data (i32.const 4096) "\ff\fe")
;; body
(call $log (i32.const 1) (i32.const 4096) (i32.const 2))(call $drop (local.get 0)) (i32.const 1024)
