;; Asks the host the same for ever.
;; expect: run Fuel
;; body
(loop $again (drop (call $now-ms (local.get 0))) (br $again)) (i32.const 1024)
