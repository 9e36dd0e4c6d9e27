;; Logs the same line for ever.
;; expect: run Fuel
;; body
(loop $again (call $log (i32.const 2) (i32.const 4096) (i32.const 9)) (br $again)) (i32.const 1024)
