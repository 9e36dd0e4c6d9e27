;; Gives the view back twice.
;; expect: run Trap
;; body
(call $drop (local.get 0))(call $drop (local.get 0)) (i32.const 1024)
