;; Twenty components within each other.
;; expect: load Excessive levels of nesting
(component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component)))))))))))))))))))))
