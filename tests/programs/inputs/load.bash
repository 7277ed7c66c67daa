# Arrays, strings, functions, substitutions and jobs.
declare -A seen
declare -a list
words=()
for ((i = 0; i < 20000; i++)); do
    key=k$((i * 7919 % 5003))
    seen[$key]+=$i,
    list[i % 3001]=${seen[$key]:0:40}
done
echo ${#seen[@]} ${#list[@]}
for key in $(printf '%s\n' "${!seen[@]}" | sort | head -n 200); do echo "$key ${seen[$key]}"; done
text=$(printf 'line %s\n' {1..20000})
echo ${#text} "${text//line/LINE}" | md5sum
f() { local n=$1; ((n > 0)) && f $((n - 1)); echo -n "$n "; }
f 300
for i in {1..150}; do echo "$(echo $i | tr 0-9 a-j)" & done | sort
wait
while read -r a b; do words+=("$b$a"); done < <(seq 1 3000 | paste - -)
printf '%s\n' "${words[@]}" | tail -n 5
mapfile -t lines < <(seq 1 50000)
echo ${#lines[@]} ${lines[49999]}
cat <<<"${lines[*]}" | cksum
[[ ${lines[*]:0:500} =~ (1[0-9]+\ )+ ]] && echo ${#BASH_REMATCH[0]}
