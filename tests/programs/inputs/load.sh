# Pipelines of many small programs, for the plainest of shells.
seq 1 200000 | sort -r | uniq | awk '{s += $1 % 7; print s}' | sed s/1/one/g | tail -n 1000
for i in 1 2 3 4 5; do (echo $i && exec cat /dev/null) | wc -c; done
seq 1 100000 | xargs -n 2000 echo | cksum
find / -maxdepth 2 -type d -path '/usr/*' | sort
find /usr/bin -maxdepth 1 | wc -l
tar -cf - -C /usr/include . 2>/dev/null | gzip -c | gzip -dc | tar -tf - | sort | cksum
x=$(seq 1 20000)
echo ${#x}
for f in /etc/*; do [ -d "$f" ] && echo "$f"; done | tail -n 3
diff /etc/passwd /etc/group | cksum
printf '%s\n' b a c | sort -u | tr '\n' ' '
date -u -d @0
exit 3
