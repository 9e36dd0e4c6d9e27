;; Says one line of 60,000 bytes: 256 of them are kept.
;; expect: answers … 
;; declarations
(data (i32.const 4096) "long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long ")
;; body
(call $log (i32.const 9) (i32.const 4096) (i32.const 60000))(call $drop (local.get 0)) (i32.const 1024)
