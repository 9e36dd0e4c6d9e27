;; Keeps 64 KiB again and again.
;; expect: run Fuel
;; body
(loop $again (call $keep (i32.const 0) (i32.const 65536)) (br $again)) (i32.const 1024)
