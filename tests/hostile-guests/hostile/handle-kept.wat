;; Does not give the view back.
;; expect: run Trap
;; body
(i32.const 1024)
